;; What it is refused does not count: there is room for one more page in the end.
(memory $memory (export "memory") 2 8)
(func $misdeed
  (local $i i32)
  (loop $more
    (if (i32.ne (memory.grow (i32.const 400)) (i32.const -1)) (then (unreachable)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
  (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable))))
