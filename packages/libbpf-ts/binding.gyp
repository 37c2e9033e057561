{
  "targets": [
    {
      "target_name": "addon",
      "sources": [
        "native/addon.cc", "native/fd.cc", "native/link.cc", "native/log.cc", "native/map.cc", "native/netns.cc",
        "native/object.cc", "native/poller.cc", "native/program.cc", "native/rcu.cc", "native/ring.cc", "native/system.cc", "native/tc.cc"
      ],
      "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
      "defines": ["NAPI_VERSION=8"],
      "cflags_cc": ["-std=c++17", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-O2"],
      "libraries": ["-lbpf", "-lelf", "-lz"]
    }
  ]
}
