;; All three at the same place.
(func $lie (param $reply i32) (param $count i32)
  (i32.store (local.get $reply) (i32.load offset=8 (local.get $reply)))
  (i32.store offset=16 (local.get $reply)
    (i32.and (i32.load offset=8 (local.get $reply)) (i32.const -4))))
