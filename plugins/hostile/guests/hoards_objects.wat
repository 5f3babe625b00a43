;; On a heap of the engine's, beside linear memory.
(type $bytes (array (mut i8)))
(type $list (array (mut (ref null $bytes))))
(global $kept (mut (ref null $list)) (ref.null $list))
(func $misdeed
  (local $i i32)
  (global.set $kept (array.new_default $list (i32.const 100000)))
  (loop $more
    (array.set $list (global.get $kept) (local.get $i) (array.new_default $bytes (i32.const 1000000)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 100000)))))
