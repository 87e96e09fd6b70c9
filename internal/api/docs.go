package api

import (
	"net/http"

	"bluetrail/internal/auth"
)

func (s *Server) systemRoutes() []route {
	return []route{
		{"GET /api/v1/openapi.yaml", auth.None, s.description},
	}
}

// description serves openapi.yaml, which holds nothing secret.
func (*Server) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, err := w.Write(Description)
	return err
}
