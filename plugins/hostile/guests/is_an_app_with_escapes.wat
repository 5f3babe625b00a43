(data $app (i32.const 256) "\1b[31mxy")
