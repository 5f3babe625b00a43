(func $migrated (param i32)
  (if (global.get $armed) (then (call $say (i32.const 288) (i32.const 5))))
  (global.set $heap (i32.const 65536)))
