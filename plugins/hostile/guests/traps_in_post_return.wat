(func $migrated (param i32)
  (if (global.get $armed) (then (unreachable)))
  (global.set $heap (i32.const 65536)))
