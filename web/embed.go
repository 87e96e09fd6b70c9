// Package web holds the pages of the browser, as they were built into dist. A
// program that was built without them has an empty Dist.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// Dist returns the built pages: index.html and what it loads.
func Dist() fs.FS {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // the name is constant
	}
	return dist
}
