package enrich

import "testing"

// TestPlaces: every country has a place on the map, found by code and by name.
func TestPlaces(t *testing.T) {
	for code, c := range countries() {
		p, ok := PlaceOf(code)
		named, found := PlaceOf(c.name)
		if !ok || !found || p != named || p.Code != code || p.Lat < -90 || p.Lat > 90 || p.Lon < -180 || p.Lon > 180 || p.Lat == 0 && p.Lon == 0 {
			t.Errorf("%s, %s: %+v %+v", code, c.name, p, named)
		}
	}
	if _, ok := PlaceOf(""); ok {
		t.Error("a place without a name")
	}
}
