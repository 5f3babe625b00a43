module github.com/godwit/godwit/plugins/sdk/go

go 1.27
