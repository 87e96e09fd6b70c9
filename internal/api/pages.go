package api

import (
	"io/fs"
	"net/http"
	"strings"
)

// notBuilt is shown by a program that was built without the pages.
var notBuilt = []byte(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>bluetrail</title>
<h1>The pages are not built</h1>
<p>This program was built without the pages of the browser. Build it with <code>make build</code>, which needs Node 20 or newer.</p>
<p>The API works: <a href="/api/docs">/api/docs</a> describes it.</p>
</html>
`)

// pages serves the application. Its files in assets/ have a hash in their name
// and never change.
func pages(dist fs.FS) http.Handler {
	if dist == nil || !isFile(dist, "index.html") {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				http.NotFound(w, r)
				return
			}
			page(w, notBuilt)
		})
	}
	files := http.FileServerFS(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case name != "" && !isFile(dist, name):
			http.NotFound(w, r)
			return
		case strings.HasPrefix(name, "assets/"):
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		default:
			w.Header().Set("Cache-Control", "no-cache")
		}
		files.ServeHTTP(w, r)
	})
}

func isFile(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}

// page writes HTML.
func page(w http.ResponseWriter, html []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(html) // an error means that the client is gone
}
