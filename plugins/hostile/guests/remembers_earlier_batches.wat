;; The new body of the marked item says how many batches this instance has seen.
(global $before (mut i32) (i32.const 0))
(data (i32.const 1024) "{\"migrated\":true,\"before\":0}")
(func $migrated (param i32)
  (global.set $before (i32.add (global.get $before) (i32.const 1)))
  (global.set $heap (i32.const 65536)))
(func $misdeed
  (i32.store8 (i32.const 1050) (i32.add (i32.const 0x30) (global.get $before)))
  (call $answer (i32.const 1) (i32.const 1024) (i32.const 28)))
