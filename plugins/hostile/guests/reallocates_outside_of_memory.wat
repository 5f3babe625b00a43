(func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.gt_u (local.get $size) (i32.const 2000)) (then (return (i32.const -4096))))
  (call $alloc (local.get $size) (local.get $align)))
