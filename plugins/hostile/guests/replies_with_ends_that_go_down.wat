(func $lie (param $reply i32) (param $count i32)
  (i32.store (i32.load offset=16 (local.get $reply)) (i32.const 1000000)))
