;; The work item by item: as records or as text, which look the same from inside.

(global $batch (mut i32) (i32.const 0))

(func $item (param $i i32)
  (local $at i32)
  (local.set $at (i32.add (global.get $batch) (i32.mul (local.get $i) (i32.const 16))))
  (global.set $id (i32.load (local.get $at)))
  (global.set $id_len (i32.load offset=4 (local.get $at)))
  (global.set $body (i32.load offset=8 (local.get $at)))
  (global.set $body_len (i32.load offset=12 (local.get $at))))

(func $migrate
  (param $step i32) (param $step_len i32) (param $batch i32) (param $count i32) (result i32)
  (global.set $batch (local.get $batch))
  (i32.store (i32.const 512) (call $outcomes (local.get $count)))
  (i32.store (i32.const 516) (local.get $count))
  (if (global.get $armed) (then (call $lie (i32.const 512) (local.get $count))))
  (i32.const 512))
