(table $holes 1 funcref)
(elem (table $holes) (i32.const 0) func $alloc)
(type $plain (func))
(func $misdeed (call_indirect $holes (type $plain) (i32.const 0)))
