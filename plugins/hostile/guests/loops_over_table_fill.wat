(table $large 40000 funcref)
(func $misdeed
  (loop $ever
    (table.fill $large (i32.const 0) (ref.null func) (i32.const 40000))
    (br $ever)))
