//! Compressed or not, a store says the same.

use std::ops::ControlFlow;
use std::sync::Arc;

use godwit::blocking::Host;
use godwit::model::RunId;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::{Backend, Compression, Memory};
use godwit_tests::world::{
    StopAfter, catalogue, dump, features, host, seed, small_batches, surroundings, up,
};

const APP: &str = "bcd";

/// A host over a backend that writes in this way.
fn writing(backend: &Arc<dyn Backend>, compression: Compression) -> Host {
    let catalogue = catalogue(&["bcd-2-0-0", "bcd-3-0-0"]);
    let store = host(backend.clone(), &catalogue)
        .store()
        .compressing(compression);
    let mut host = Host::new(store, catalogue, surroundings());
    // So many batches that not all are in flight when it stops.
    host.options = small_batches(3, 1);
    host
}

fn bytes(backend: &dyn Backend) -> usize {
    let mut bytes = 0;
    let visit = &mut |_: &[u8], value: &[u8]| {
        bytes += value.len();
        ControlFlow::Continue(())
    };
    backend.scan(b"\0", b"\xff", visit).unwrap();
    bytes
}

#[test]
fn a_store_says_the_same_however_it_is_written() {
    let items: Vec<_> = features().step_by(100).take(200).collect();
    let left = [Compression::None, Compression::Lz4].map(|compression| {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let host = writing(&backend, compression);
        seed(&host, APP, "features", &items);
        let before = dump(host.store().backend());
        assert!(!up(&host).is_empty());
        let migrated = dump(host.store().backend());
        let size = bytes(&*backend);
        // Whoever reads it need not know how it was written.
        let plain = writing(&backend, Compression::None);
        assert_eq!(dump(plain.store().backend()), migrated);
        plain
            .undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        let data = |lines: &[String]| -> Vec<String> {
            lines
                .iter()
                .filter(|line| line.starts_with('D'))
                .cloned()
                .collect()
        };
        assert_eq!(data(&dump(plain.store().backend())), data(&before));
        (migrated, size)
    });
    let [(plain, large), (compressed, small)] = left;
    assert_eq!(plain, compressed);
    assert!(small < large * 3 / 4, "{small} of {large}");
}

#[test]
fn it_may_change_in_the_middle_of_a_run() {
    let items: Vec<_> = features().step_by(50).take(400).collect();
    let backends = [(); 2].map(|()| Arc::new(Memory::new()) as Arc<dyn Backend>);
    let undisturbed = writing(&backends[0], Compression::None);
    seed(&undisturbed, APP, "features", &items);
    up(&undisturbed);
    let changed = writing(&backends[1], Compression::Lz4);
    seed(&changed, APP, "features", &items);
    for compression in [Compression::None, Compression::Lz4] {
        let host = writing(&backends[1], compression);
        let observer = StopAfter::new(2);
        let reports = host
            .up(&Goal::default(), &observer, &observer.control)
            .unwrap();
        assert!(!reports.is_empty());
    }
    up(&writing(&backends[1], Compression::None));
    let data = |host: &Host| -> Vec<String> {
        let lines = dump(host.store().backend());
        lines
            .into_iter()
            .filter(|line| line.starts_with(['D', 'Z', 'N', 'I']))
            .collect()
    };
    assert_eq!(data(&changed), data(&undisturbed));
}
