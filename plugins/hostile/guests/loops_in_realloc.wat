;; While the host writes the answer to a call.
(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (global.get $armed) (then (loop $ever (br $ever))))
  (call $alloc (local.get $size) (local.get $align)))
(func $misdeed
  (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600)))
