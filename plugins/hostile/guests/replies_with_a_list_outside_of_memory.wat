(func $lie (param $reply i32) (param $count i32)
  (i32.store offset=8 (local.get $reply) (i32.const -65536)))
