;; The bodies of a batch with the marked item are written over its ids, and read again from there.
(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.gt_u (local.get $size) (i32.const 2000)) (then (return (i32.const 65536))))
  (call $alloc (local.get $size) (local.get $align)))
(func $is_marked (result i32)
  (global.set $armed (i32.const 0))
  (i32.gt_u (global.get $body_len) (i32.const 2000)))
(func $misdeed (unreachable))
