package web

import (
	"net/http"

	"example.org/shop/metrics"
)

// Server serves the shop.
type Server struct {
	mux  *http.ServeMux
	hits *metrics.Hits
}

// NewServer returns a server over the given routes.
func NewServer(mux *http.ServeMux) *Server {
	return &Server{mux: mux, hits: metrics.NewHits()}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}
