//! Guests that speak another contract, or the contract wrongly.

use crate::text::Text;

fn speaking(version: &str) -> Vec<u8> {
    let version = format!("@{version}");
    Text::new("").replacing("@1.0.0", &version).module()
}

/// It was built for a later minor version.
pub fn speaks_a_newer_contract() -> Vec<u8> {
    speaking("1.9.0")
}

/// It was built for a later major version.
pub fn speaks_another_contract() -> Vec<u8> {
    speaking("2.0.0")
}

/// It was built for a version before the first.
pub fn speaks_an_older_contract() -> Vec<u8> {
    speaking("0.9.0")
}

/// It was built for what was not released.
pub fn speaks_a_draft() -> Vec<u8> {
    speaking("1.0.0-draft")
}

const WORLD: &str = "world columns { include godwit:migration/columnar-migration@1.0.0; }";

/// It exports no description.
pub fn lacks_a_description() -> Vec<u8> {
    let world = "world columns { include godwit:migration/host-side@1.0.0; export godwit:migration/transform-columns@1.0.0; }";
    Text::new("").replacing(WORLD, world).module()
}

/// It exports no work.
pub fn lacks_the_work() -> Vec<u8> {
    let world = "world columns { include godwit:migration/host-side@1.0.0; export godwit:migration/description@1.0.0; }";
    Text::new("").replacing(WORLD, world).module()
}

/// Its module does not do what its type says.
pub fn lacks_what_its_type_says() -> Vec<u8> {
    Text::new("")
        .replacing("#describe\"", "#nothing\"")
        .module()
}

/// It exports the right names from instances with nothing in them.
pub fn exports_empty_interfaces() -> Vec<u8> {
    let export = |name: &str| format!(r#"(export "godwit:migration/{name}@1.0.0" (instance $e))"#);
    let exports = export("description") + &export("transform");
    wat::parse_str(format!("(component (instance $e) {exports})")).expect("it is a component")
}

/// What it says about itself is a string.
pub fn describes_with_another_type() -> Vec<u8> {
    Text::new("")
        .replacing(
            "describe: func() -> descriptor;",
            "describe: func() -> string;",
        )
        .module()
}

/// Its work returns a number.
pub fn works_with_another_type() -> Vec<u8> {
    Text::new("")
        .replacing("batch: batch) -> outcomes;", "batch: batch) -> u32;")
        .module()
}

/// It writes lines of the log with a number for their level.
pub fn logs_with_another_type() -> Vec<u8> {
    Text::new("")
        .replacing("log: func(level: level,", "log: func(level: u32,")
        .module()
}

/// It imports a function that no interface of the contract has.
pub fn imports_a_function_that_is_not_there() -> Vec<u8> {
    let text = "(import \"godwit:migration/run@1.0.0\" \"tell\" (func $tell (result i32)))";
    let current = "current: func() -> context;";
    let told = format!("{current} tell: func() -> u32;");
    Text::new(text).replacing(current, &told).module()
}

/// It imports an interface whose name is like the contract's.
pub fn imports_an_interface_that_is_not_there() -> Vec<u8> {
    let text = ";; world: unknown\n\
        (import \"godwit:migration/secrets@1.0.0\" \"tell\" (func $tell (result i32)))";
    Text::new(text)
        .replacing(
            "interface log {",
            "interface secrets { tell: func() -> u32; } interface log {",
        )
        .replacing("import secrets;", "import godwit:migration/secrets@1.0.0;")
        .module()
}
