// The page's own connections use a relay or nothing, as a person's browser may be set to; and reach it at this address.
const [url] = arguments;
const changed = configuration => ({
  ...configuration,
  iceTransportPolicy: "relay",
  iceServers: (configuration?.iceServers ?? []).map(server => ({ ...server, urls: [url] })),
});
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(configuration) {
    super(changed(configuration));
    // With the credentials that the server gave.
    window.relayOnly = this.getConfiguration();
  }
  setConfiguration(configuration) { super.setConfiguration(changed(configuration)); }
};
