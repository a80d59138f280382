// The emptiest JavaScript Worker.

export default {
  fetch() {
    return new Response("ok");
  },
};
