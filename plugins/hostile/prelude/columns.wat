;; The work in columns.

(global $ids (mut i32) (i32.const 0))

(global $id_ends (mut i32) (i32.const 0))

(global $bodies (mut i32) (i32.const 0))

(global $body_ends (mut i32) (i32.const 0))

(func $start_of (param $ends i32) (param $i i32) (result i32)
  (if (i32.eqz (local.get $i)) (then (return (i32.const 0))))
  (i32.load (i32.add (local.get $ends) (i32.mul (i32.sub (local.get $i) (i32.const 1)) (i32.const 4)))))

(func $end_of (param $ends i32) (param $i i32) (result i32)
  (i32.load (i32.add (local.get $ends) (i32.mul (local.get $i) (i32.const 4)))))

(func $item (param $i i32)
  (local $start i32)
  (local.set $start (call $start_of (global.get $id_ends) (local.get $i)))
  (global.set $id (i32.add (global.get $ids) (local.get $start)))
  (global.set $id_len
    (i32.sub (call $end_of (global.get $id_ends) (local.get $i)) (local.get $start)))
  (local.set $start (call $start_of (global.get $body_ends) (local.get $i)))
  (global.set $body (i32.add (global.get $bodies) (local.get $start)))
  (global.set $body_len
    (i32.sub (call $end_of (global.get $body_ends) (local.get $i)) (local.get $start))))

(func $bytes_of (param $table i32) (param $count i32) (result i32)
  (local $i i32)
  (local $sum i32)
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $sum
        (i32.add (local.get $sum)
          (i32.load offset=8 (i32.add (local.get $table) (i32.mul (local.get $i) (i32.const 12))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
  (local.get $sum))

(func $migrate
  (param $step i32) (param $step_len i32)
  (param $ids i32) (param $ids_len i32) (param $id_ends i32) (param $count i32)
  (param $bodies i32) (param $bodies_len i32) (param $body_ends i32) (param $count_too i32)
  (result i32)
  (local $table i32)
  (local $i i32)
  (local $entry i32)
  (local $kinds i32)
  (local $payloads i32)
  (local $ends i32)
  (local $end i32)
  (global.set $ids (local.get $ids))
  (global.set $id_ends (local.get $id_ends))
  (global.set $bodies (local.get $bodies))
  (global.set $body_ends (local.get $body_ends))
  (local.set $table (call $outcomes (local.get $count)))
  (local.set $kinds (call $alloc (local.get $count) (i32.const 1)))
  (local.set $ends (call $alloc (i32.mul (local.get $count) (i32.const 4)) (i32.const 4)))
  (local.set $payloads
    (call $alloc (call $bytes_of (local.get $table) (local.get $count)) (i32.const 1)))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $entry (i32.add (local.get $table) (i32.mul (local.get $i) (i32.const 12))))
      (i32.store8 (i32.add (local.get $kinds) (local.get $i)) (i32.load (local.get $entry)))
      (memory.copy $memory $memory
        (i32.add (local.get $payloads) (local.get $end))
        (i32.load offset=4 (local.get $entry))
        (i32.load offset=8 (local.get $entry)))
      (local.set $end (i32.add (local.get $end) (i32.load offset=8 (local.get $entry))))
      (i32.store (i32.add (local.get $ends) (i32.mul (local.get $i) (i32.const 4))) (local.get $end))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
  (i32.store (i32.const 512) (local.get $kinds))
  (i32.store (i32.const 516) (local.get $count))
  (i32.store (i32.const 520) (local.get $payloads))
  (i32.store (i32.const 524) (local.get $end))
  (i32.store (i32.const 528) (local.get $ends))
  (i32.store (i32.const 532) (local.get $count))
  (if (global.get $armed) (then (call $lie (i32.const 512) (local.get $count))))
  (i32.const 512))

(export "godwit:migration/transform-columns@1.0.0#migrate" (func $migrate))

(export "cabi_post_godwit:migration/transform-columns@1.0.0#migrate" (func $migrated))
