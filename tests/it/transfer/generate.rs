//! Made-up items: the same ones everywhere.

use godwit::model::Digest;
use godwit::transfer::{Generator, Shape};
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
fn every_shape_is_sound_as_large_as_asked_and_the_same_each_time() {
    let mut seen = Vec::new();
    for shape in Shape::ALL {
        assert_eq!(shape.name().parse(), Ok(shape));
        for size in [0, 40, 100, 500, 1_000, 20_000] {
            let generator = Generator::new(3, size).of_shape(shape);
            assert_ne!(generator, Generator::new(4, size).of_shape(shape));
            let mut lines = Vec::new();
            generator.lines(0..1_000, &mut lines);
            let mut again = Vec::new();
            generator.lines(500..1_000, &mut again);
            assert!(lines.ends_with(&again));
            let bytes = lines.len() as u64 / 1_000;
            let size = u64::from(size);
            if size >= 500 {
                assert!(
                    bytes.abs_diff(size) < size / 10,
                    "{shape}: {bytes} for {size}"
                );
            }
            let deepest = lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            let deepest = deepest.map(|line| depth(&serde_json::from_slice(line).unwrap()));
            assert!(deepest.max().unwrap() <= Shape::DEPTH, "{shape}");
        }
        let mut one = Vec::new();
        Generator::new(1, 1_000).of_shape(shape).item(0, &mut one);
        seen.push((depth(&serde_json::from_slice(&one).unwrap()), one));
    }
    seen.dedup_by(|a, b| a.1 == b.1);
    assert_eq!(seen.len(), Shape::ALL.len());
    let depths: Vec<_> = seen.iter().map(|(depth, _)| *depth).collect();
    assert_eq!(depths, [3, 1, Shape::DEPTH, 3, 1]);
    assert_eq!(
        "round".parse::<Shape>().unwrap_err().to_string(),
        "`round` is no shape of items: record, flat, nested, list or text"
    );
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
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
