//! What `godwit new` writes: the SDKs and templates, as they are in `plugins/sdk`.

use crate::project::Language;

/// A file: its path inside of the project, and its text.
type File = (&'static str, &'static str);

/// Files of `plugins/sdk`, below a folder.
macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$((
            $path,
            include_str!(concat!("../../../../../sdk/", $folder, "/", $path)),
        )),*]
    };
}

/// What a project in a language is made of.
pub struct Kit {
    /// The files of a fresh project, with placeholders.
    pub template: &'static [File],
    /// The SDK, below `sdk/`, in parts.
    pub sdk: &'static [&'static [File]],
    /// The file that the migration is in.
    pub source: &'static str,
}

/// What a project has whatever it is written in, with placeholders.
pub const COMMON: &[File] = files!["template":
    "README.md",
    "features/tags.feature",
    "fixtures/adds-tags/after.json",
    "fixtures/adds-tags/before.json",
    "fixtures/has-tags/before.json",
    "fixtures/has-tags/unchanged",
    "fixtures/is-no-object/before.json",
    "fixtures/is-no-object/failed",
    "schemas/after.json",
];

/// What makes a migration of a script of Q, with placeholders.
pub const FROM_Q: &[File] = files!["javascript/from-q":
    ".gitignore",
    "migration.mjs",
    "migration.toml",
    "package.json",
];

/// The SDK of JavaScript and TypeScript.
pub const JAVASCRIPT: &[File] = files!["javascript":
    "README.md",
    ".gitignore",
    "engines/quickjs/index.js",
    "engines/quickjs/package-lock.json",
    "engines/quickjs/package.json",
    "engines/quickjs/utf8.js",
    "engines/starlingmonkey/index.js",
    "engines/starlingmonkey/outcomes.js",
    "engines/starlingmonkey/package-lock.json",
    "engines/starlingmonkey/package.json",
    "globals.d.ts",
    "index.d.ts",
    "index.js",
    "lib/body.js",
    "lib/context.js",
    "lib/documents.js",
    "lib/migration.js",
    "lib/numbers.js",
    "lib/outcome.js",
    "lib/surroundings.js",
    "node-only.cjs",
    "package.json",
    "testing.d.ts",
    "testing.js",
    "wit/migration.wit",
];

/// What is special to TypeScript.
const TYPESCRIPT: &[File] = &[(
    "TYPESCRIPT.md",
    include_str!("../../../../../sdk/typescript/README.md"),
)];

/// Rust's SDK. Its manifest is not that of the workspace.
const RUST: &[File] = &[
    (
        "Cargo.toml",
        include_str!("../../../../../sdk/rust/template/sdk.toml.in"),
    ),
    (
        "README.md",
        include_str!("../../../../../sdk/rust/README.md"),
    ),
    ("wit/v1/migration.wit", godwit::kit::CONTRACT),
    (
        "src/batch.rs",
        include_str!("../../../../../sdk/rust/src/batch.rs"),
    ),
    (
        "src/component.rs",
        include_str!("../../../../../sdk/rust/src/component.rs"),
    ),
    (
        "src/context.rs",
        include_str!("../../../../../sdk/rust/src/context.rs"),
    ),
    (
        "src/descriptor.rs",
        include_str!("../../../../../sdk/rust/src/descriptor.rs"),
    ),
    (
        "src/documents.rs",
        include_str!("../../../../../sdk/rust/src/documents.rs"),
    ),
    (
        "src/export.rs",
        include_str!("../../../../../sdk/rust/src/export.rs"),
    ),
    (
        "src/host_side.rs",
        include_str!("../../../../../sdk/rust/src/host_side.rs"),
    ),
    (
        "src/item.rs",
        include_str!("../../../../../sdk/rust/src/item.rs"),
    ),
    (
        "src/lib.rs",
        include_str!("../../../../../sdk/rust/src/lib.rs"),
    ),
    (
        "src/migration.rs",
        include_str!("../../../../../sdk/rust/src/migration.rs"),
    ),
    (
        "src/outcome.rs",
        include_str!("../../../../../sdk/rust/src/outcome.rs"),
    ),
    (
        "src/testing/descriptor.rs",
        include_str!("../../../../../sdk/rust/src/testing/descriptor.rs"),
    ),
    (
        "src/testing/host.rs",
        include_str!("../../../../../sdk/rust/src/testing/host.rs"),
    ),
    (
        "src/testing/mod.rs",
        include_str!("../../../../../sdk/rust/src/testing/mod.rs"),
    ),
    (
        "src/testing/ndjson.rs",
        include_str!("../../../../../sdk/rust/src/testing/ndjson.rs"),
    ),
    (
        "src/testing/report.rs",
        include_str!("../../../../../sdk/rust/src/testing/report.rs"),
    ),
    (
        "src/testing/world.rs",
        include_str!("../../../../../sdk/rust/src/testing/world.rs"),
    ),
    (
        "src/text/edit.rs",
        include_str!("../../../../../sdk/rust/src/text/edit.rs"),
    ),
    (
        "src/text/lanes.rs",
        include_str!("../../../../../sdk/rust/src/text/lanes.rs"),
    ),
    (
        "src/text/mod.rs",
        include_str!("../../../../../sdk/rust/src/text/mod.rs"),
    ),
    (
        "src/text/piece.rs",
        include_str!("../../../../../sdk/rust/src/text/piece.rs"),
    ),
    (
        "src/text/pointer.rs",
        include_str!("../../../../../sdk/rust/src/text/pointer.rs"),
    ),
    (
        "src/text/slice.rs",
        include_str!("../../../../../sdk/rust/src/text/slice.rs"),
    ),
    (
        "src/text/syntax.rs",
        include_str!("../../../../../sdk/rust/src/text/syntax.rs"),
    ),
    (
        "src/text/walk.rs",
        include_str!("../../../../../sdk/rust/src/text/walk.rs"),
    ),
];

const RUST_KIT: Kit = Kit {
    template: &[
        (
            "Cargo.toml",
            include_str!("../../../../../sdk/rust/template/Cargo.toml.in"),
        ),
        (
            ".gitignore",
            include_str!("../../../../../sdk/rust/template/.gitignore"),
        ),
        (
            "migration.toml",
            include_str!("../../../../../sdk/rust/template/migration.toml"),
        ),
        (
            "src/lib.rs",
            include_str!("../../../../../sdk/rust/template/src/lib.rs"),
        ),
    ],
    sdk: &[RUST],
    source: "`src/lib.rs`",
};

const C_KIT: Kit = Kit {
    template: files!["c/template":
        ".gitignore",
        "migration.c",
        "migration.toml",
    ],
    sdk: &[files!["c":
        "README.md",
        "arena.c",
        "arena.h",
        "component.c",
        "godwit.h",
        "json.c",
    ]],
    source: "`migration.c`",
};

const CPP_KIT: Kit = Kit {
    template: files!["cpp/template":
        ".gitignore",
        "migration.cpp",
        "migration.toml",
    ],
    sdk: &[files!["cpp":
        "README.md",
        "component.cpp",
        "godwit.hpp",
        "json.cpp",
    ]],
    source: "`migration.cpp`",
};

const ZIG_KIT: Kit = Kit {
    template: files!["zig/template":
        ".gitignore",
        "main.zig",
        "migration.toml",
    ],
    sdk: &[files!["zig":
        "README.md",
        "component.zig",
        "godwit.zig",
        "host.zig",
        "imports.zig",
        "json.zig",
        "outcomes.zig",
        "testing.zig",
    ]],
    source: "`main.zig`",
};

const GO_KIT: Kit = Kit {
    template: files!["go/template":
        ".gitignore",
        "go.mod",
        "main.go",
        "migration.toml",
    ],
    sdk: &[files!["go":
        "README.md",
        "component_wasip1.go",
        "context.go",
        "doc.go",
        "documents.go",
        "go.mod",
        "item.go",
        "migration.go",
        "outcome.go",
        "testhost.go",
        "value.go",
    ]],
    source: "`main.go`",
};

const JAVASCRIPT_KIT: Kit = Kit {
    template: files!["javascript/template":
        ".gitignore",
        "migration.js",
        "migration.test.js",
        "migration.toml",
        "package.json",
    ],
    sdk: &[JAVASCRIPT],
    source: "`migration.js`",
};

const TYPESCRIPT_KIT: Kit = Kit {
    template: files!["typescript/template":
        ".gitignore",
        "migration.test.js",
        "migration.toml",
        "migration.ts",
        "package.json",
        "tsconfig.json",
    ],
    sdk: &[JAVASCRIPT, TYPESCRIPT],
    source: "`migration.ts`",
};

const PYTHON_KIT: Kit = Kit {
    template: files!["python/template":
        ".gitignore",
        "migration.py",
        "migration.toml",
        "pyproject.toml",
        "test_migration.py",
    ],
    sdk: &[files!["python":
        "README.md",
        "godwit/__init__.py",
        "godwit/_json.py",
        "godwit/component/__init__.py",
        "godwit/component/records.py",
        "godwit/component/text.py",
        "godwit/context.py",
        "godwit/documents.py",
        "godwit/errors.py",
        "godwit/migration.py",
        "godwit/outcome.py",
        "godwit/py.typed",
        "godwit/testing.py",
        "wit/v1/migration.wit",
    ]],
    source: "`migration.py`",
};

impl Kit {
    /// What a language has.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::Rust => &RUST_KIT,
            Language::C => &C_KIT,
            Language::Cpp => &CPP_KIT,
            Language::Zig => &ZIG_KIT,
            Language::Go => &GO_KIT,
            Language::JavaScript => &JAVASCRIPT_KIT,
            Language::TypeScript => &TYPESCRIPT_KIT,
            Language::Python => &PYTHON_KIT,
            Language::Other => unreachable!("it cannot be asked for"),
        }
    }
}
