;; layout: records
;; Memory at 0 says: no outcomes.
(func $migrate
  (param $step i32) (param $step_len i32) (param $batch i32) (param $count i32) (result i32)
  (global.set $batch (local.get $batch))
  (i32.store (i32.const 512) (call $outcomes (local.get $count)))
  (i32.store (i32.const 516) (local.get $count))
  (if (global.get $armed) (then (return (i32.const 0))))
  (i32.const 512))
