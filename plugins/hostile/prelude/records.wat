(export "godwit:migration/transform@1.0.0#migrate" (func $migrate))

(export "cabi_post_godwit:migration/transform@1.0.0#migrate" (func $migrated))
