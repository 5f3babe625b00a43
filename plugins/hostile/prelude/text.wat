(export "godwit:migration/transform-text@1.0.0#migrate" (func $migrate))

(export "cabi_post_godwit:migration/transform-text@1.0.0#migrate" (func $migrated))
