(table $large 1 funcref)
(func $misdeed
  (loop $ever
    (if (i32.eq (table.grow $large (ref.null func) (i32.const 10000)) (i32.const -1))
      (then (unreachable)))
    (br $ever)))
