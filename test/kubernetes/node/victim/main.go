// Victim runs in a pod of the tests. It looks names up with the C library of its image, and keeps sockets that ask the name
// server, when it is told to by HTTP:
//
//	GET  /look?name=NAME            what the program /look says
//	GET  /look-shared?name=NAME     what that program says
//	POST /load                      begins the load of its body
//	GET  /load                      ends it, and says what came of it
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os/exec"
	"sync"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node/victim/load"
)

func main() {
	http.HandleFunc("GET /look", look)
	http.HandleFunc("GET /look-shared", look)
	var s server
	http.HandleFunc("POST /load", s.begin)
	http.HandleFunc("GET /load", s.end)
	log.Fatal(http.ListenAndServe(":8000", nil))
}

func look(w http.ResponseWriter, r *http.Request) {
	out, err := exec.CommandContext(r.Context(), r.URL.Path, "0", r.FormValue("name")).CombinedOutput()
	if err != nil {
		http.Error(w, fmt.Sprintf("%v: %s", err, out), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(out) // a client that has gone needs no answer
}

// server has one load at a time.
type server struct {
	mu      sync.Mutex
	running *load.Running
}

func (s *server) begin(w http.ResponseWriter, r *http.Request) {
	var l load.Load
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		http.Error(w, "a load is running", http.StatusConflict)
		return
	}
	running, err := l.Begin()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.running = running
}

func (s *server) end(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		http.Error(w, "no load is running", http.StatusConflict)
		return
	}
	result := s.running.End()
	s.running = nil
	if err := json.NewEncoder(w).Encode(result); err != nil {
		log.Print(err)
	}
}
