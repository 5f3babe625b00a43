//! Made-up items: the same ones everywhere.

use godwit::model::Digest;
use godwit::transfer::Generator;
use serde_json::Value;

use super::world::{World, settings};

fn lines(seed: u64, size: u32, count: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    Generator::new(seed, size).lines(0..count, &mut lines);
    lines
}

#[test]
fn the_same_arguments_give_the_same_bytes_on_every_machine() {
    let digest = |seed, size| Digest::of(&lines(seed, size, 1_000)).to_string();
    assert_eq!(
        digest(1, 1_000),
        "7622da9824a035169805b6a9601617efff85da6c8e0ebd3ed1a0f0cbea8fc980"
    );
    assert_eq!(
        digest(2, 200),
        "8d7ca863ec956051e0809b0dc068325bb860b8a87cae1d68869ef414398b0282"
    );
}

#[test]
fn fewer_items_are_the_first_of_more_and_ranges_their_parts() {
    let all = lines(5, 500, 100);
    assert!(all.starts_with(&lines(5, 500, 99)));
    assert_ne!(all, lines(6, 500, 100));
    let mut parts = Vec::new();
    Generator::new(5, 500).lines(0..37, &mut parts);
    Generator::new(5, 500).lines(37..100, &mut parts);
    assert_eq!(parts, all);
}

#[test]
fn items_are_about_as_large_as_asked() {
    for size in [500, 1_000, 20_000] {
        let bytes = lines(1, size, 2_000).len() as u64 / 2_000;
        let size = u64::from(size);
        assert!(bytes.abs_diff(size) < size / 20 + 10, "{bytes} for {size}");
    }
    for size in [0, 1, 100, u32::from(u16::MAX)] {
        let items = String::from_utf8(lines(1, size, 10)).unwrap();
        items
            .lines()
            .for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
    }
}

#[test]
fn items_are_varied_documents_in_the_order_of_their_ids() {
    let text = String::from_utf8(lines(1, 1_000, 200)).unwrap();
    assert!(!text.is_ascii());
    let items: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<_> = items
        .iter()
        .map(|item| item["_id"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids[0] == "item-000000000000");
    for item in &items {
        assert!(
            item["author"]["home"]["city"].is_string() && item["parts"][0]["count"].is_number()
        );
    }
    let mut world = World::new();
    let report = world.import(&settings("1.0.0"), &text);
    assert_eq!((report.counts.created, report.counts.bad), (200, 0));
    assert_eq!(world.export(), text);
}
