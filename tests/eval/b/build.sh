install() { cp /src/image "$out"; }
