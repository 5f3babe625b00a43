(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.gt_u (local.get $size) (i32.const 2000))
    (then (call $say (i32.const 288) (i32.const 5))))
  (call $alloc (local.get $size) (local.get $align)))
