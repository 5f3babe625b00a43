//! JSON as text: what is read is what `serde_json` reads, and what is edited is what an edited tree says, with every
//! other byte as it was.

use godwit_plugin::text::checked_both_ways;
use godwit_plugin::{EditError, JsonKind, JsonPiece, JsonSlice, JsonText, Value, json};
use godwit_tests::fuzz::edit::{edit_both, is_json, parse, places, pointers, tree};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The cases of RFC 8259 where readers differ, by kind: whitespace, literals, numbers, strings, structure.
#[test]
fn what_is_json_and_what_is_not() {
    let good = [
        "0",
        "-0",
        "-1",
        "1.0",
        "1.10",
        "0.5e-7",
        "1E5",
        "1e+05",
        "1e400",
        "-1e-400",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        " \t\r\n1 \t\r\n",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[1]",
        "[1,2]",
        "[ 1 , 2 ]",
        "[[[]]]",
        "{\"\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\" : {\"b\" : []}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0000\\u001f\\u00e9\\uABCD\"",
        "\"\\ud83d\\ude00\"",
        "\"\\uDBFF\\uDFFF\"",
        "\"\u{7f}\u{2028}\u{feff}\"",
        "\"\u{e9}\u{ffff}\u{10ffff}\"",
        "[\"\u{10ffff}\",{\"\u{e9}\":[null]}]",
    ];
    for text in good {
        assert!(is_json(text.as_bytes()), "{text}");
    }
    let bad: [(&[u8], usize); 62] = [
        (b"", 0),
        (b" ", 1),
        (b"nul", 3),
        (b"nulL", 3),
        (b"True", 0),
        (b"NaN", 0),
        (b"Infinity", 0),
        (b"-Infinity", 1),
        (b"+1", 0),
        (b"-", 1),
        (b"--1", 1),
        (b"01", 1),
        (b"-01", 2),
        (b"1.", 2),
        (b".5", 0),
        (b"1.e5", 2),
        (b"1e", 2),
        (b"1e+", 3),
        (b"1e1.5", 3),
        (b"0x10", 1),
        (b"1_000", 1),
        (b"1 2", 2),
        (b"[", 1),
        (b"[1", 2),
        (b"[1,", 3),
        (b"[1,]", 3),
        (b"[,1]", 1),
        (b"[1 2]", 3),
        (b"[1}", 2),
        (b"]", 0),
        (b"{", 1),
        (b"{\"a\"", 4),
        (b"{\"a\":", 5),
        (b"{\"a\":1", 6),
        (b"{\"a\":1,", 7),
        (b"{\"a\":1,}", 7),
        (b"{\"a\" 1}", 5),
        (b"{a:1}", 1),
        (b"{1:1}", 1),
        (b"{'a':1}", 1),
        (b"{\"a\":1 \"b\":2}", 7),
        (b"{\"a\":1]", 6),
        (b"{,}", 1),
        (b"{\"a\"}", 4),
        (b"\"", 1),
        (b"\"a", 2),
        (b"\"\\", 2),
        (b"\"\\x\"", 1),
        (b"\"\\u12\"", 5),
        (b"\"\\u12G4\"", 5),
        (b"\"\\uD800\"", 1),
        (b"\"\\uD800\\n\"", 1),
        (b"\"\\uD800\\uD800\"", 1),
        (b"\"\\uDC00\"", 1),
        (b"\"a\tb\"", 2),
        (b"\"a\nb\"", 2),
        (b"\"\x00\"", 1),
        (b"\xef\xbb\xbf1", 0),
        (b"\"\xff\"", 1),
        (b"\"\xc3\"", 1),
        (b"/* */1", 0),
        (b"1 // one", 2),
    ];
    for (bytes, offset) in bad {
        let shown = String::from_utf8_lossy(bytes);
        assert!(!is_json(bytes), "{shown}");
        let error = JsonText::parse(bytes).unwrap_err();
        assert_eq!(error.offset(), offset, "{shown}: {error}");
    }
    // Not even where serde_json is more patient: what is no JSON outside of a string is none.
    assert!(JsonText::parse(b"\x0b1").is_err() && JsonText::parse("\u{a0}1".as_bytes()).is_err());
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(JsonText::parse(nested(128).as_bytes()).is_ok());
    let deeper = nested(129);
    let error = JsonText::parse(deeper.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "it is nested too deep at byte 128");
    let objects = ["{\"a\":".repeat(128), "1".to_owned(), "}".repeat(128)].concat();
    assert_eq!(
        parse(&objects).get(&"/a".repeat(128)).unwrap().as_i64(),
        Some(1)
    );
    assert!(JsonText::parse(&b"[{\"a\":".repeat(100_000)).is_err());
}

#[test]
fn values_are_read_in_place() {
    let text = parse(
        r#" {"n": 1.50, "i": -7, "big": 18446744073709551615, "t": true, "0": null, "s": "a\u00e9\n", "e": "",
            "l": [1, [2, 3], {"x": "y"}], "o": {"a/b": 1, "m~n": 2, "": 3}, "twice": 1, "twice": 2} "#,
    );
    let get = |pointer: &str| text.get(pointer).unwrap_or_else(|| panic!("{pointer}"));
    assert_eq!(get("/n").text(), "1.50");
    assert_eq!((get("/n").as_f64(), get("/n").as_i64()), (Some(1.5), None));
    assert_eq!((get("/i").as_i64(), get("/i").as_u64()), (Some(-7), None));
    assert_eq!(get("/big").as_u64(), Some(u64::MAX));
    assert_eq!(
        (get("/t").as_bool(), get("/n").as_bool()),
        (Some(true), None)
    );
    assert!(get("/0").is_null() && get("/l").is_array() && get("/o").is_object());
    assert_eq!(get("/s").as_str().unwrap(), "a\u{e9}\n");
    assert_eq!(
        (get("/e").as_str().unwrap().as_ref(), get("/e").kind()),
        ("", JsonKind::String)
    );
    assert_eq!(get("/l/1/0").typed::<u8>().unwrap(), 2);
    assert_eq!(get("/l/2/x").as_str().unwrap(), "y");
    assert_eq!(get("/l").elements().count(), 3);
    assert_eq!(get("/o/a~1b").as_i64(), Some(1));
    assert_eq!(get("/o/m~0n").as_i64(), Some(2));
    assert_eq!(get("/o/").as_i64(), Some(3));
    assert_eq!(get("/twice").as_i64(), Some(2));
    assert_eq!(get("").to_value(), tree(text.text()));
    let names: Vec<_> = get("/o")
        .members()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(names, ["a/b", "m~n", ""]);
    for nowhere in [
        "n", "/x", "/n/0", "/l/3", "/l/-", "/l/01", "/l/+1", "/l/x", "/s/0", "/o/a", "/o/a/b",
    ] {
        assert!(text.get(nowhere).is_none(), "{nowhere}");
    }
    assert_eq!(get("/o").member("a/b").unwrap().as_i64(), Some(1));
    assert_eq!(get("/l").member("0"), None);
}

#[test]
fn edits_leave_every_other_byte_as_it_was() {
    let before = "{ \"a\" : 1.0,\n  \"b\": [1,  2, 3],\t\"c\":{}, \"d\\u0065\": \"\\/\" }";
    let edit = |edit: &dyn Fn(&mut JsonText<'_>)| {
        let mut text = parse(before);
        edit(&mut text);
        checked_both_ways(text.text().as_bytes()).unwrap();
        text.text().to_owned()
    };
    let set = |pointer: &str, value: Value| edit(&|text| text.set(pointer, &value).unwrap());
    assert_eq!(set("/a", json!([])), before.replace("1.0", "[]"));
    assert_eq!(set("/de", json!(1)), before.replace("\"\\/\"", "1"));
    assert_eq!(
        set("/new", json!("x")),
        before.replace("\\/\" }", "\\/\", \"new\": \"x\" }")
    );
    assert_eq!(set("/c/x", json!(1)), before.replace("{}", "{\"x\":1}"));
    assert_eq!(set("/b/-", json!(4)), before.replace("3]", "3, 4]"));
    assert_eq!(set("/b/3", json!(4)), before.replace("3]", "3, 4]"));
    assert_eq!(set("", json!(1)), "1");
    let remove = |pointer: &str| edit(&|text| assert!(text.remove(pointer).unwrap()));
    assert_eq!(remove("/a"), before.replace("\"a\" : 1.0,\n  ", ""));
    assert_eq!(remove("/c"), before.replace("\"c\":{}, ", ""));
    assert_eq!(remove("/de"), before.replace(", \"d\\u0065\": \"\\/\"", ""));
    assert_eq!(remove("/b/0"), before.replace("1,  2", "2"));
    assert_eq!(remove("/b/2"), before.replace(", 3", ""));
    let rename =
        |pointer: &str, name: &str| edit(&|text| assert!(text.rename(pointer, name).unwrap()));
    assert_eq!(
        rename("/a", "\u{e9}\""),
        before.replace("\"a\"", "\"\u{e9}\\\"\"")
    );
    assert_eq!(rename("/de", "de"), before);
    let insert = |pointer: &str| edit(&|text| text.insert(pointer, 0).unwrap());
    assert_eq!(insert("/b/0"), before.replace("[1,", "[0,  1,"));
    assert_eq!(insert("/b/2"), before.replace("3]", "0,  3]"));
    assert_eq!(insert("/b/3"), before.replace("3]", "3, 0]"));
    assert_eq!(insert("/x"), before.replace("\\/\" }", "\\/\", \"x\": 0 }"));
    let moved = edit(&|text| assert!(text.move_to("/b/1", "/c/two").unwrap()));
    assert_eq!(
        moved,
        before.replace("2, 3", "3").replace("{}", "{\"two\":2}")
    );
    let piece = edit(&|text| text.set("/a", JsonPiece::json(" 1.10 ").unwrap()).unwrap());
    assert_eq!(piece, before.replace("1.0", "1.10"));
    let nothing = edit(&|text| {
        assert!(!text.remove("/x").unwrap() && !text.rename("/x/y", "z").unwrap());
        assert!(!text.replace("/x", 1).unwrap() && !text.move_to("/x", "/y").unwrap());
        assert!(!text.is_edited());
    });
    assert_eq!(nothing, before);
}

#[test]
fn a_text_becomes_a_part_of_another_without_the_spaces_around_it() {
    for put in [" 1.0\n", " [ 1 ] "] {
        let mut text = parse("{}");
        text.set("/a", parse(put)).unwrap();
        text.set("/b", JsonPiece::json(put).unwrap()).unwrap();
        let value = put.trim();
        assert_eq!(text.text(), format!("{{\"a\":{value},\"b\":{value}}}"));
        let kind = text.get("/a").unwrap().kind();
        assert_eq!(kind, parse(value).root().kind());
        assert_eq!(text.get("/b").unwrap().text(), value);
        let mut edited = parse(put);
        edited.set("", true).unwrap();
        text.set("/a", edited).unwrap();
        assert_eq!(text.get("/a").unwrap().as_bool(), Some(true));
    }
}

#[test]
fn what_cannot_be_edited_says_why_and_stays() {
    let before = r#"{"a":{"b":1,"c":2},"l":[1],"s":"x"}"#;
    let mut text = parse(before);
    let no_parent = |pointer: &str| EditError::NoParent(pointer.to_owned());
    assert_eq!(
        text.set("a", 1),
        Err(EditError::NotAPointer("a".to_owned()))
    );
    assert_eq!(text.set("/s/x", 1), Err(no_parent("/s/x")));
    assert_eq!(text.set("/x/y", 1), Err(no_parent("/x/y")));
    assert_eq!(text.set("/l/2", 1), Err(no_parent("/l/2")));
    assert_eq!(text.insert("/l/x", 1), Err(no_parent("/l/x")));
    assert_eq!(
        text.rename("/a/b", "c"),
        Err(EditError::Taken("c".to_owned()))
    );
    assert_eq!(
        text.rename("/l/0", "c"),
        Err(EditError::NotAMember("/l/0".to_owned()))
    );
    assert_eq!(
        text.move_to("/a", "/a/b/c"),
        Err(EditError::IntoItself("/a".to_owned()))
    );
    assert_eq!(text.move_to("/a/b", "/l/9"), Err(no_parent("/l/9")));
    assert_eq!(text.remove(""), Err(EditError::Whole));
    let failed = text.each("/a", |value| {
        value.set("", 7)?;
        Err("no".into())
    });
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert_eq!(text.text(), before);
    assert_eq!(
        EditError::Taken("c".to_owned()).to_string(),
        "there is a member `c` already"
    );
}

#[test]
fn of_members_with_one_name_the_last_counts_and_all_are_removed() {
    let before = r#"{"a":1,"b":2,"\u0061":3,"c":4}"#;
    let mut text = parse(before);
    text.set("/a", 9).unwrap();
    assert_eq!(text.text(), r#"{"a":1,"b":2,"\u0061":9,"c":4}"#);
    text.rename("/a", "d").unwrap();
    assert_eq!(text.text(), r#"{"a":1,"b":2,"d":9,"c":4}"#);
    let mut text = parse(before);
    assert!(text.remove("/a").unwrap());
    assert_eq!(text.text(), r#"{"b":2,"c":4}"#);
}

#[test]
fn many_are_edited_or_removed_in_one_go() {
    let before = "{\"l\": [ {\"n\":1} , 2, {\"n\":3}\n], \"o\": {\"a\": 1, \"b\": [], \"c\": 3}}";
    let mut text = parse(before);
    let wrap = |value: &mut JsonText<'_>| {
        if value.root().is_object() {
            let wrapped = format!("[{}]", value.text());
            value.set("", JsonPiece::json(&wrapped)?)?;
        }
        Ok(())
    };
    assert_eq!(text.each("/l", wrap).unwrap(), 2);
    assert_eq!(text.each("/o", wrap).unwrap(), 0);
    assert_eq!(text.each("/o/a", wrap).unwrap(), 0);
    assert_eq!(text.each("/x", wrap).unwrap(), 0);
    assert_eq!(
        text.text(),
        before
            .replace("{\"n\":1}", "[{\"n\":1}]")
            .replace("{\"n\":3}", "[{\"n\":3}]")
    );
    assert_eq!(text.get("/o/c").unwrap().as_i64(), Some(3));

    let retain = |pointer: &str, keep: &[i64]| {
        let mut text = parse(before);
        let removed = text.retain(pointer, |value| {
            value.as_i64().is_some_and(|number| keep.contains(&number))
        });
        checked_both_ways(text.text().as_bytes()).unwrap();
        (removed.unwrap(), text.text().to_owned())
    };
    assert_eq!(
        retain("/l", &[2]),
        (2, before.replace("{\"n\":1} , 2, {\"n\":3}", "2"))
    );
    assert_eq!(
        retain("/l", &[]),
        (3, before.replace("{\"n\":1} , 2, {\"n\":3}", ""))
    );
    assert_eq!(
        retain("/o", &[1, 3]),
        (1, before.replace(", \"b\": []", ""))
    );
    assert_eq!(
        retain("/o", &[3]),
        (2, before.replace("\"a\": 1, \"b\": [], ", ""))
    );
    assert_eq!(retain("/s", &[3]), (0, before.to_owned()));
}

/// JSON of every kind, spelled in every way: spaces, escapes, long and short, deep and flat.
fn spelled() -> impl Strategy<Value = String> {
    let space = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n  "), 1 => Just("\t\r")];
    let character = prop_oneof![
        8 => "[a-z]",
        1 => "[\\PC&&[^\"\\\\]]",
        1 => prop::sample::select(vec!["\\\"", "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\/", "{", "}", "[", "]", ","]).prop_map(str::to_owned),
    ];
    let string =
        prop::collection::vec(character, 0..40).prop_map(|text| format!("\"{}\"", text.concat()));
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.50",
            "1e400",
            "12345678901234567890"
        ])
        .prop_map(str::to_owned),
        string.clone(),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let spaced = (space.clone(), inner, space.clone())
            .prop_map(|(before, value, behind)| [before, &value, behind].concat());
        let member = (space.clone(), "[a-e]{0,2}", space.clone(), spaced.clone()).prop_map(
            |(before, name, behind, value)| {
                (name.clone(), format!("{before}\"{name}\"{behind}:{value}"))
            },
        );
        let members = prop::collection::vec(member, 0..6).prop_map(|members| {
            let mut names = std::collections::HashSet::new();
            let members: Vec<_> = members
                .into_iter()
                .filter(|(name, _)| names.insert(name.clone()))
                .map(|(_, member)| member)
                .collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![
            prop::collection::vec(spaced, 0..6)
                .prop_map(|elements| format!("[{}]", elements.join(","))),
            members,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_spelled_is_read(text in spelled()) {
        prop_assert!(is_json(text.as_bytes()));
        let (parsed, tree) = (parse(&text), tree(&text));
        let mut all = Vec::new();
        pointers(&tree, "", &mut all);
        for pointer in all {
            let found = parsed.get(&pointer).map(JsonSlice::to_value);
            prop_assert_eq!(found.as_ref(), tree.pointer(&pointer), "{} {}", text, pointer);
        }
    }

    #[test]
    fn bytes_that_are_bent_are_json_to_both_readers_or_to_none(
        text in spelled(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (place, byte, how) in bends {
            let place = place.index(bytes.len() + 1).min(bytes.len());
            match how {
                0 => bytes.insert(place, byte),
                1 if place < bytes.len() => bytes[place] = byte,
                _ => bytes.truncate(place),
            }
        }
        is_json(&bytes);
    }

    #[test]
    fn edited_texts_say_what_edited_trees_say(
        before in spelled(),
        edits in prop::collection::vec((0..7_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
    ) {
        let (mut text, mut tree) = (parse(&before), tree(&before));
        for (what, one, other) in edits {
            let all = places(&tree);
            edit_both(&mut text, &mut tree, what, &all[one.index(all.len())], &all[other.index(all.len())]);
        }
    }
}
