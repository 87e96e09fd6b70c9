package auth

import (
	"slices"
	"strings"
)

// Areas are the parts of the API that a token can be limited to.
var Areas = []string{"search", "alerts", "rules", "lists", "dashboards", "system", "people", "metrics"}

// areas has the area of the first part of paths below /api/v1/.
var areas = map[string]string{
	"search": "search", "events": "search", "language": "search", "saved-searches": "search",
	"alerts": "alerts", "suppressions": "alerts", "findings": "alerts", "entities": "alerts",
	"rules": "rules",
	"lists": "lists", "lookups": "lists", "assets": "lists", "actors": "lists",
	"dashboards": "dashboards",
	"sources":    "system", "health": "system", "exposure": "system", "system": "system", "outputs": "system",
	"users": "people", "people": "people", "tokens": "people", "sessions": "people", "passkeys": "people", "audit": "people",
	"session": "", "openapi.yaml": "", "docs": "", // for everybody
}

// Area returns the area of a path, "" for paths that every token may use. known is
// false for paths of no area, which only tokens for all areas may use.
func Area(path string) (area string, known bool) {
	if path == "/metrics" {
		return "metrics", true
	}
	if strings.HasPrefix(path, "/services/") || strings.HasPrefix(path, "/servicesNS/") {
		return "search", true
	}
	first, found := strings.CutPrefix(path, "/api/v1/")
	if !found {
		return "", strings.HasPrefix(path, "/api/docs")
	}
	first, _, _ = strings.Cut(first, "/")
	area, known = areas[first]
	return area, known
}

// within reports whether a token for some areas, none for all, may use a path.
func within(scopes []string, path string) bool {
	if len(scopes) == 0 {
		return true
	}
	area, known := Area(path)
	return known && (area == "" || slices.Contains(scopes, area))
}
