;; layout: records
;; A list of 2,000 outcomes whose payload is the same megabyte: 2 GB for the host.
(memory $memory (export "memory") 64)
(func $lie (param $reply i32) (param $count i32)
  (local $i i32)
  (local $entry i32)
  (loop $more
    (local.set $entry (i32.add (i32.const 1048576) (i32.mul (local.get $i) (i32.const 12))))
    (i32.store (local.get $entry) (i32.const 1))
    (i32.store offset=4 (local.get $entry) (i32.const 1048576))
    (i32.store offset=8 (local.get $entry) (i32.const 1048576))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 2000))))
  (i32.store (local.get $reply) (i32.const 1048576))
  (i32.store offset=4 (local.get $reply) (i32.const 2000)))
