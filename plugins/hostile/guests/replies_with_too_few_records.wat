;; layout: records
(func $lie (param $reply i32) (param $count i32)
  (i32.store offset=4 (local.get $reply) (i32.sub (local.get $count) (i32.const 1))))
