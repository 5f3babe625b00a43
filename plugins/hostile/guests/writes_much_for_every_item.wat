;; As much as one batch may, for each of its items: told of the limit, a batch is fed one by one.
;; The notes have the item's id and a number behind it.
(memory $memory (export "memory") 8)
(func $behave
  (local $i i32)
  (memory.fill (i32.const 200000) (i32.const 0x20) (i32.const 250000))
  (i32.store8 (i32.const 200000) (i32.const 0x31))
  (memory.copy (i32.const 1024) (global.get $id) (global.get $id_len))
  (loop $more
    (i32.store8 (i32.add (i32.const 1024) (global.get $id_len))
      (i32.add (i32.const 0x30) (local.get $i)))
    (call $put (i32.const 288) (i32.const 5)
      (i32.const 1024) (i32.add (global.get $id_len) (i32.const 1))
      (i32.const 200000) (i32.const 250000) (i32.const 600))
    (call $expect (i32.const 0))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 4))))
  (call $answer (i32.const 1) (i32.const 320) (i32.const 17)))
