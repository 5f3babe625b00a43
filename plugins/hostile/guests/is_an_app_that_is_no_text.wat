(data $app (i32.const 256) "\ff\fe\c3\28xyz")
