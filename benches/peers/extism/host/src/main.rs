//! Hands each line to a plugin of Extism, one call for each, and writes what comes back.
//!
//! `extism-peer PLUGIN FUNCTION < documents > changed`

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use extism::{Manifest, Plugin, Wasm};

fn main() {
    let mut args = std::env::args().skip(1);
    let mut arg = || args.next().expect("usage: extism-peer PLUGIN FUNCTION");
    let (file, function) = (arg(), arg());
    let bytes = std::fs::read(file).expect("the plugin can be read");
    let manifest = Manifest::new([Wasm::data(bytes)]);
    let mut plugin = Plugin::new(manifest, [], false).expect("the plugin can be loaded");
    let mut out = BufWriter::new(stdout().lock());
    let mut lines = stdin().lock();
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).expect("the documents can be read") > 0 {
        let changed: &[u8] = plugin.call(&function, &line).expect("the plugin answers");
        out.write_all(changed).expect("what comes back can be written");
        out.write_all(b"\n").expect("what comes back can be written");
        line.clear();
    }
}
