;; layout: records
;; Far more than items, all of them unchanged.
(memory $memory (export "memory") 64)
(func $lie (param $reply i32) (param $count i32)
  (i32.store (local.get $reply) (i32.const 1048576))
  (i32.store offset=4 (local.get $reply) (i32.const 50000)))
