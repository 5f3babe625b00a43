(table $small 1 10 funcref)
(table $large 1 funcref)
(func $misdeed
  (local $i i32)
  (loop $more
    (if (i32.ne (table.grow $small (ref.null func) (i32.const 20000)) (i32.const -1))
      (then (unreachable)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
  (if (i32.eq (table.grow $large (ref.null func) (i32.const 20000)) (i32.const -1))
    (then (unreachable))))
