// The page tells its candidates and hears of none: whoever wants to reach it has to find out what its addresses stand for.
const Real = window.RTCPeerConnection;
window.told = [];
window.RTCPeerConnection = class extends Real {
  constructor(configuration) {
    super(configuration);
    this.addEventListener("icecandidate", ({ candidate }) => candidate?.candidate && window.told.push(candidate.candidate));
  }
  async addIceCandidate() {}
  setRemoteDescription(description) {
    const sdp = description.sdp.replace(/^a=candidate:.*\r\n/gm, "");
    return super.setRemoteDescription({ type: description.type, sdp });
  }
};
