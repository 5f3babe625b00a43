;; Which asks for memory to answer, which calls the host.
(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (global.get $armed)
    (then (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600))))
  (call $alloc (local.get $size) (local.get $align)))
(func $misdeed
  (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600)))
