//! `godwit import`

use godwit_tests::cli::Cli;

use super::{GOOD, KINDS, with_items};

#[test]
fn documents_come_from_files_and_streams() {
    let cli = Cli::on("lmdb", &[]);
    cli.write("items.ndjson", GOOD);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 items.ndjson",
        "godwit import --app append --collection items --version 1.0.0 items.ndjson",
        "godwit import --collection items --version 1.0.0 items.ndjson",
        "godwit import --collection items --version 1.0.0 < items.ndjson",
        "godwit import --collection items --version 1.0.0 - --json < items.ndjson",
        "godwit status",
        "godwit history",
    ]), @"");
}

#[test]
fn packed_files_are_unpacked_by_what_they_hold() {
    for kind in KINDS {
        let cli = Cli::on(kind, &[]);
        cli.write("items.gz", gzip(GOOD))
            .write("items.zst", zstd(GOOD));
        cli.prepare(&[
            "godwit import --app a --collection one --version 1.0.0 items.gz",
            "godwit import --app a --collection two --version 1.0.0 < items.zst",
        ]);
        for collection in ["one", "two"] {
            let exported = cli.run(&format!("godwit export --collection {collection}"));
            assert_eq!(exported.out, GOOD, "{kind}");
        }
    }
}

#[test]
fn the_id_may_be_anywhere() {
    let cli = Cli::on("lmdb", &[]);
    cli.write(
        "deep.ndjson",
        "{\"meta\":{\"id\":7}}\n{\"meta\":{\"id\":\"x\"}}\n{\"meta\":{}}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection deep --version 1.0.0 --id /meta/id deep.ndjson",
        "godwit get deep 7 x",
    ]), @"");
}

#[test]
fn bodies_come_back_as_they_were_spelled() {
    let text = "{\"z\":1e3,  \"_id\":\"b\",\"\\u00e9\":1.50}\n{\"_id\":\"a\",\"n\":10000000000000000000000}\n";
    let cli = Cli::on("sled", &[]);
    cli.write("spelled.ndjson", text);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection c --version 1.0.0 spelled.ndjson",
        "godwit export --collection c",
    ]), @"");
}

#[test]
fn a_file_that_cannot_be_read_makes_no_store() {
    let cli = Cli::on("lmdb", &[]);
    cli.write("folder/file", "")
        .write("items.bz2", "BZh91AY&SY");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection c --version 1.0.0 missing.ndjson",
        "godwit import --app a --collection c --version 1.0.0 folder",
        "godwit import --app a --collection c --version 1.0.0 items.bz2",
    ]), @"");
    assert!(!cli.path("store").exists());
}

#[test]
fn a_truncated_archive_is_said_to_be_one() {
    let items: String = (0..20_000)
        .map(|n| format!("{{\"_id\":{n},\"x\":\"{}\"}}\n", n * n))
        .collect();
    let packed = gzip(&items);
    let cli = Cli::on("lmdb", &[]);
    cli.write("cut.gz", &packed[..packed.len() / 2])
        .write("short.gz", &packed[..12]);
    let import = "godwit import --app a --collection c --version 1.0.0";
    insta::assert_snapshot!(cli.session(&[
        &format!("{import} short.gz"),
        &format!("{import} short.gz --json"),
    ]), @"");
    let ended = cli.run(&format!("{import} cut.gz"));
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended
            .err
            .contains("ends in the middle of the archive, behind line "),
        "{ended}"
    );
    cli.write("whole.gz", packed);
    let ended = cli.run(&format!("{import} whole.gz"));
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out.contains("20,000 documents:"), "{ended}");
}

#[test]
fn collections_belong_to_one_app() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app other --collection items --version 1.0.0 items.ndjson",
        "godwit import --app other --collection items --version 1.0.0 items.ndjson --json",
    ]), @"");
}

#[test]
fn items_of_older_versions_wait_for_up() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write("more.ndjson", "{\"_id\":\"x\"}\n{\"_id\":\"y\"}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit import --collection items --version 1.0.0 more.ndjson",
        "godwit status",
        "godwit plan",
        "godwit up",
        "godwit get items x --json",
        "godwit up",
    ]), @"");
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A frame with one raw block, as RFC 8878 has it: no packer is needed to test unpacking.
fn zstd(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("it is short");
    let block = (u32::from(length) << 3) | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    frame.extend(&block.to_le_bytes()[..3]);
    frame.extend(text.as_bytes());
    frame
}
