// Package dashboards holds the dashboards that bluetrail ships. docs/dashboards.md
// describes their format; `bluetrail dashboard check` reads them.
package dashboards

import "embed"

// Files are the dashboards, as <id>.yml.
//
//go:embed *.yml
var Files embed.FS
