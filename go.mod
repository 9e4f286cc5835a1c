module github.com/modelsigning/modelsigning

go 1.26
