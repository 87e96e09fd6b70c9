package main

import (
	"bluetrail/internal/enrich"
)

// enrich makes the fields of events say what the configuration knows of addresses and
// accounts.
func (a *app) enrich(verb any) error {
	if _, ok := verb.(*doctorCmd); ok {
		return nil // it reports what cannot be used
	}
	if len(a.cfg.Network) == 0 && len(a.cfg.GeoIP) == 0 {
		return nil
	}
	f, err := a.facts()
	if err != nil {
		return err
	}
	enrich.Use(f)
	return nil
}

// facts opens what the configuration names.
func (a *app) facts() (*enrich.Facts, error) {
	geo, err := a.shares.geo(a.cfg.GeoIP)
	if err != nil {
		return nil, err
	}
	networks, err := enrich.OpenNetworks(a.cfg.Network)
	if err != nil {
		return nil, err
	}
	return &enrich.Facts{Geo: geo, Networks: networks}, nil
}

// networks describes the databases of networks, and returns how many cannot be used.
func (c *doctorCmd) networks(a *app, line func(what, format string, args ...any)) (broken int) {
	networks, err := enrich.OpenNetworks(a.cfg.Network)
	if err != nil {
		line("networks", "BROKEN: %v", err)
		return 1
	}
	defer networks.Close()
	for _, d := range networks.Databases() {
		text := d.Path + ": " + d.Type + " of " + d.Built.Format("2006-01-02")
		if d.Err != nil {
			broken++
			line("networks", "BROKEN: %s: %v", text, d.Err)
			continue
		}
		line("networks", "%s", text)
	}
	line("networks", "kinds reviewed %s", enrich.CuratedDate())
	return broken
}
