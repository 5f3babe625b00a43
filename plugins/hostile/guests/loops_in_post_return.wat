(func $migrated (param i32)
  (if (global.get $armed) (then (loop $ever (br $ever))))
  (global.set $heap (i32.const 65536)))
