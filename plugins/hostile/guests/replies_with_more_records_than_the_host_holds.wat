;; layout: records
;; As many as memory can hold.
(memory $memory (export "memory") 400)
(func $lie (param $reply i32) (param $count i32)
  (i32.store (local.get $reply) (i32.const 1048576))
  (i32.store offset=4 (local.get $reply) (i32.const 2000000)))
