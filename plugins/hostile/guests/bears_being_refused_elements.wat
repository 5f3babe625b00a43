(table $large 1 funcref)
(func $misdeed
  (loop $more
    (br_if $more (i32.ne (table.grow $large (ref.null func) (i32.const 10000)) (i32.const -1)))))
