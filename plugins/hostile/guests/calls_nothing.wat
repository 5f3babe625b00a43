(table $holes 1 funcref)
(type $plain (func))
(func $misdeed (call_indirect $holes (type $plain) (i32.const 0)))
